BEGIN TRANSACTION;
CREATE TABLE kw_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT kw_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "kw_alembic_version" VALUES('0005');
CREATE TABLE kw_baseline (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	network TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	backbone JSON, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	measured_by INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	images INTEGER, 
	seconds DOUBLE NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_kw_baseline PRIMARY KEY (id), 
	CONSTRAINT fk_kw_baseline_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_baseline_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_baseline_study_id_digest_seed UNIQUE (study_id, digest, seed), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_baseline_ck_kw_baseline_attempt CHECK (attempt >= 0)
);
INSERT INTO "kw_baseline" VALUES(1,1,0,'plain','resnet8x0.25','cd96444e26d9f3bf92788bcd37e08208e48c5eff7fba00be1caca32a05c23231',NULL,4934,48544,0,1,1,'complete',NULL,NULL,'vm:30248',2,9.69899665551839512689e-02,1.71390687449268913633e-02,2.28231767118989825604e+00,299,1.01421060000120633048e-01,'2026-11-26 16:46:52.622000');
INSERT INTO "kw_baseline" VALUES(2,1,1,'plain','resnet8x0.25','cd96444e26d9f3bf92788bcd37e08208e48c5eff7fba00be1caca32a05c23231',NULL,4934,48544,1,1,1,'complete',NULL,NULL,'vm:30248',2,1.47157190635451518012e-01,2.04871460004777128371e-02,2.26640673221174715479e+00,299,8.53291569999328203266e-02,'2026-11-26 16:46:52.758000');
INSERT INTO "kw_baseline" VALUES(3,1,2,'repeat','resnet8x0.25','b9f172086eb168a068979131e992052e1829b70914982776eaa4c33fc59666d1',NULL,7564,65088,2229697930,1,1,'complete',NULL,NULL,'vm:30248',2,1.0367892976588628795e-01,1.76496626273256879136e-02,2.32284947278449260821e+00,299,1.44839294999883350101e-01,'2026-11-26 16:46:54.751000');
INSERT INTO "kw_baseline" VALUES(4,1,3,'repeat','resnet8x0.25','9df86749fbbf25e8afc60c4f5d6d595500a1d7b3e83f6c706f7b72cff26a228e',NULL,15916,91008,122998491,1,1,'complete',NULL,NULL,'vm:30248',2,2.14046822742474912582e-01,2.36997429298016759613e-02,2.24875179935792202101e+00,299,0.070948104000081,'2026-11-26 16:46:54.873000');
INSERT INTO "kw_baseline" VALUES(5,1,4,'repeat','resnet8x0.25','27392b7eea2349d342e0b3532e42d9fb99e689a3dc8f635c6eb305771476f1d8',NULL,25690,96480,1304004204,1,1,'complete',NULL,NULL,'vm:30248',2,2.17391304347826080922e-01,2.3832649225004887139e-02,2.22386678882218591368e+00,299,8.22246839998115319758e-02,'2026-11-26 16:46:54.976000');
INSERT INTO "kw_baseline" VALUES(6,1,5,'repeat','resnet8x0.25','2aa6d342246a2406ddad3ff5d22c0f9b0b6351897dee9337d6f15c5ef35a4118',NULL,61154,172512,4177440982,1,1,'complete',NULL,NULL,'vm:30248',2,2.10702341137123744241e-01,2.35645101579003979352e-02,2.17001490427323462384e+00,299,1.57878521999919030349e-01,'2026-11-26 16:46:55.160000');
INSERT INTO "kw_baseline" VALUES(7,1,6,'repeat','resnet8x0.25','cdcc90986b606c823704aa503e6e978e3516b5f2b64fb15abad5fc4a1a1f21d4',NULL,61444,227520,3580480607,1,1,'complete',NULL,NULL,'vm:30248',2,2.84280936454849475492e-01,2.60525367503046667572e-02,2.14752069378465870741e+00,299,1.49075398999912067665e-01,'2026-11-26 16:46:55.333000');
CREATE TABLE kw_baseline_measurement (
	baseline_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_baseline_measurement PRIMARY KEY (baseline_id, epoch), 
	CONSTRAINT fk_kw_baseline_measurement_baseline_id FOREIGN KEY(baseline_id) REFERENCES kw_baseline (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_baseline_measurement" VALUES(1,1,1,9.69899665551839512689e-02,1.71390687449268913633e-02,2.32166009697036423986e+00,299,6.11043690000769856851e-02,'2026-11-26 16:46:52.557000');
INSERT INTO "kw_baseline_measurement" VALUES(1,2,1,9.69899665551839512689e-02,1.71390687449268913633e-02,2.28231767118989825604e+00,299,1.01421060000120633048e-01,'2026-11-26 16:46:52.601000');
INSERT INTO "kw_baseline_measurement" VALUES(2,1,1,1.27090301003344480212e-01,1.9270175159750796423e-02,2.32051168472167779199e+00,299,2.05428829999618756119e-02,'2026-11-26 16:46:52.690000');
INSERT INTO "kw_baseline_measurement" VALUES(2,2,1,1.47157190635451518012e-01,2.04871460004777128371e-02,2.26640673221174715479e+00,299,8.53291569999328203266e-02,'2026-11-26 16:46:52.754000');
INSERT INTO "kw_baseline_measurement" VALUES(3,1,1,9.36454849498327690504e-02,1.68746774196014692748e-02,2.38735730425355940909e+00,299,7.5514801000053921598e-02,'2026-11-26 16:46:54.661000');
INSERT INTO "kw_baseline_measurement" VALUES(3,2,1,1.0367892976588628795e-01,1.76496626273256879136e-02,2.32284947278449260821e+00,299,1.44839294999883350101e-01,'2026-11-26 16:46:54.731000');
INSERT INTO "kw_baseline_measurement" VALUES(4,1,1,1.80602006688963201419e-01,2.22354800659756435265e-02,2.3199596231020560566e+00,299,2.87055119999877206282e-02,'2026-11-26 16:46:54.828000');
INSERT INTO "kw_baseline_measurement" VALUES(4,2,1,2.14046822742474912582e-01,2.36997429298016759613e-02,2.24875179935792202101e+00,299,0.070948104000081,'2026-11-26 16:46:54.870000');
INSERT INTO "kw_baseline_measurement" VALUES(5,1,1,1.50501672240802686353e-01,2.06767246356229228432e-02,2.26232386542585794941e+00,299,3.37609480000082839978e-02,'2026-11-26 16:46:54.925000');
INSERT INTO "kw_baseline_measurement" VALUES(5,2,1,2.17391304347826080922e-01,2.3832649225004887139e-02,2.22386678882218591368e+00,299,8.22246839998115319758e-02,'2026-11-26 16:46:54.973000');
INSERT INTO "kw_baseline_measurement" VALUES(6,1,1,1.47157190635451518012e-01,2.04871460004777128371e-02,2.241714953030867985e+00,299,5.01392129999658209271e-02,'2026-11-26 16:46:55.046000');
INSERT INTO "kw_baseline_measurement" VALUES(6,2,1,2.10702341137123744241e-01,2.35645101579003979352e-02,2.17001490427323462384e+00,299,1.57878521999919030349e-01,'2026-11-26 16:46:55.154000');
INSERT INTO "kw_baseline_measurement" VALUES(7,1,1,2.17391304347826080922e-01,2.3832649225004887139e-02,2.23381062007281805392e+00,299,8.94122780000543571077e-02,'2026-11-26 16:46:55.273000');
INSERT INTO "kw_baseline_measurement" VALUES(7,2,1,2.84280936454849475492e-01,2.60525367503046667572e-02,2.14752069378465870741e+00,299,1.49075398999912067665e-01,'2026-11-26 16:46:55.330000');
CREATE TABLE kw_file (
	trial_id INTEGER NOT NULL, 
	path TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	bytes BIGINT NOT NULL, 
	CONSTRAINT pk_kw_file PRIMARY KEY (trial_id), 
	CONSTRAINT fk_kw_file_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
INSERT INTO "kw_file" VALUES(2,'old/checkpoints/20261126T164647344000/1-2.safetensors','b20985afa9ce3944b6c92f78976bef4652727bbb77ed638f8fbe1e23162be783',257648);
INSERT INTO "kw_file" VALUES(3,'old/checkpoints/20261126T164647344000/2-2.safetensors','cf181fe033f5960a5b7fb5827f4f38ff1919c1eb6132f8768878df75cb6891fe',115168);
INSERT INTO "kw_file" VALUES(6,'old/checkpoints/20261126T164647344000/5-2.safetensors','92e2a8d35b1958ac8d5640fdd39b0508e50fff2022e407d254dfb3fcb1be6206',75448);
INSERT INTO "kw_file" VALUES(8,'old/checkpoints/20261126T164647344000/7-2.safetensors','ef802895e323016273716f5a2566410b2494f4cad140cb82255ca1162a3890eb',42016);
CREATE TABLE kw_front (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	trial INTEGER NOT NULL, 
	hypervolume DOUBLE NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_front PRIMARY KEY (id), 
	CONSTRAINT fk_kw_front_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT uq_kw_front_study_id_number UNIQUE (study_id, number)
);
INSERT INTO "kw_front" VALUES(1,1,0,0,3.2577869869212967846e-02,299302,0.1,'2026-11-26 16:46:52.978000');
INSERT INTO "kw_front" VALUES(2,1,1,1,8.4551354960493235735e-02,299302,0.1,'2026-11-26 16:46:53.121000');
INSERT INTO "kw_front" VALUES(3,1,2,2,1.11320945634758250442e-01,299302,0.1,'2026-11-26 16:46:53.227000');
INSERT INTO "kw_front" VALUES(4,1,3,5,1.18457077509326658137e-01,299302,0.1,'2026-11-26 16:46:53.883000');
INSERT INTO "kw_front" VALUES(5,1,4,7,1.18530508893972930106e-01,299302,0.1,'2026-11-26 16:46:54.360000');
CREATE TABLE kw_front_member (
	front_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	CONSTRAINT pk_kw_front_member PRIMARY KEY (front_id, place), 
	CONSTRAINT fk_kw_front_member_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT fk_kw_front_member_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_front_member" VALUES(1,0,1);
INSERT INTO "kw_front_member" VALUES(2,0,2);
INSERT INTO "kw_front_member" VALUES(3,0,3);
INSERT INTO "kw_front_member" VALUES(3,1,2);
INSERT INTO "kw_front_member" VALUES(4,0,6);
INSERT INTO "kw_front_member" VALUES(4,1,3);
INSERT INTO "kw_front_member" VALUES(4,2,2);
INSERT INTO "kw_front_member" VALUES(5,0,8);
INSERT INTO "kw_front_member" VALUES(5,1,6);
INSERT INTO "kw_front_member" VALUES(5,2,3);
INSERT INTO "kw_front_member" VALUES(5,3,2);
CREATE TABLE kw_measurement (
	trial_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	attempt INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	measured_at DATETIME NOT NULL, goes_on BOOLEAN, reason TEXT, 
	CONSTRAINT pk_kw_measurement PRIMARY KEY (trial_id, epoch), 
	CONSTRAINT fk_kw_measurement_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
)
 WITHOUT ROWID

;
INSERT INTO "kw_measurement" VALUES(1,1,1,1.60535117056856191375e-01,2.12248058180545262629e-02,2.26452827446498972108e+00,299,9.42112519999227515654e-02,'2026-11-26 16:46:52.899000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(1,2,1,2.10702341137123744241e-01,2.35645101579003979352e-02,2.19043730152126414623e+00,299,1.86123337000026367604e-01,'2026-11-26 16:46:52.974000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(2,1,1,1.50501672240802686353e-01,2.06767246356229228432e-02,2.22577911432594222063e+00,299,5.66656519999924057628e-02,'2026-11-26 16:46:53.062000',1,'Place 1 of 2, with room for 1.');
INSERT INTO "kw_measurement" VALUES(2,2,1,2.80936454849498307151e-01,2.59596562621999815689e-02,2.14497783156241217383e+00,299,1.14528199000005770358e-01,'2026-11-26 16:46:53.118000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(3,1,1,1.77257525083612033078e-01,2.20744576303243400516e-02,2.31463217221747630247e+00,299,3.54002219999074441147e-02,'2026-11-26 16:46:53.185000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(3,2,1,2.04013377926421407559e-01,2.32869023622217230506e-02,2.26952042524676311785e+00,299,7.58628099999896221561e-02,'2026-11-26 16:46:53.225000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(4,1,1,1.47157190635451518012e-01,2.04871460004777128371e-02,2.27433490910519164884e+00,299,3.81897710001339873997e-02,'2026-11-26 16:46:53.292000',0,'Place 4 of 4 in front 3, with room for 2: trial 2 reached 17.73% with 25,690 parameters, this one 14.72% with 61,967.');
INSERT INTO "kw_measurement" VALUES(5,1,1,1.1705685618729097519e-01,1.86049605193659220447e-02,2.30961196756806952379e+00,299,8.62921069999629253288e-02,'2026-11-26 16:46:53.418000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(5,2,1,1.80602006688963201419e-01,2.22354800659756435265e-02,2.2254720833954575454e+00,299,2.28774346999898625654e-01,'2026-11-26 16:46:53.562000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(6,1,1,1.43812709030100321916e-01,2.02939655813976424503e-02,2.29721605953944152389e+00,299,6.46029539998380641918e-02,'2026-11-26 16:46:53.706000',1,'No network of its size has gone on yet.');
INSERT INTO "kw_measurement" VALUES(6,2,1,1.50501672240802686353e-01,2.06767246356229228432e-02,2.25044230527455235701e+00,299,2.40863668999963920214e-01,'2026-11-26 16:46:53.870000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(7,1,1,1.70568561872909696397e-01,2.17437100341638100964e-02,2.28374681544643154396e+00,299,6.57924479999110189964e-02,'2026-11-26 16:46:54.019000',1,'Place 3 of 7, with room for 3.');
INSERT INTO "kw_measurement" VALUES(7,2,1,1.8394648829431436976e-01,2.23936854055415135444e-02,2.21252560855837376863e+00,299,1.53489318999845636426e-01,'2026-11-26 16:46:54.100000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(8,1,1,7.6923076923076927347e-02,1.54491169221808166689e-02,2.33925136133488464906e+00,299,5.04128709999349666759e-02,'2026-11-26 16:46:54.253000',1,'Place 1 of 8, with room for 3.');
INSERT INTO "kw_measurement" VALUES(8,2,1,1.00334448160535119609e-01,1.73973071208621127281e-02,2.29353065752331275461e+00,299,1.45481049999943934381e-01,'2026-11-26 16:46:54.311000',NULL,NULL);
INSERT INTO "kw_measurement" VALUES(9,1,1,1.23745819397993311872e-01,1.90529684716273239875e-02,2.2627756331757042929e+00,299,7.02372040000227570999e-02,'2026-11-26 16:46:54.505000',0,'Place 4 of 9 in front 2, with room for 3: trial 2 reached 17.73% with 25,690 parameters, this one 12.37% with 42,856.');
CREATE TABLE kw_study (
	id INTEGER NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	settings JSON NOT NULL, 
	backbone JSON NOT NULL, 
	seed BIGINT NOT NULL, 
	trials INTEGER NOT NULL, 
	reference_params BIGINT NOT NULL, 
	reference_accuracy DOUBLE NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	lease_owner TEXT, 
	lease_until DATETIME, smallest_params BIGINT DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_kw_study PRIMARY KEY (id), 
	CONSTRAINT uq_kw_study_name UNIQUE (name)
);
INSERT INTO "kw_study" VALUES(1,'old','{"name":"old","space":{"backbone":"resnet8x0.25","exclude":[],"addresses":{},"granularity":"network","cell_num_ratio":{"low":0.125,"high":2.0,"log":true},"cell_inplane_ratio":1.0,"cell_outplane_ratio":[0.5,1.0],"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":"stage","attention_norm":null,"spatial_partition":true},"budget":{"max_params":null,"min_params":null,"max_macs":null,"min_macs":null},"proxy":{"data":"digits","folder":null,"download":false,"image_size":null,"channels":null,"skip_damaged":false,"epochs":[1,2],"validation_share":0.2,"training_share":0.2,"batch_size":512,"learning_rate":0.1,"momentum":0.9,"weight_decay":0.0005,"warmup_epochs":0.5,"temperature_share":0.1111111111111111,"attention_start":"assigned","attention_learning_rate":0.1,"start":"scratch","start_learning_rate":0.01,"gradient_clip":null,"label_smoothing":0.0,"recalibration":16,"crop_padding":0,"flip":false,"dtype":"float32","way":"auto"},"baselines":{"seeds":2,"networks":[]},"search":{"sampler":"random","trials":9,"seed":0,"promotion":"halving","eta":3.0,"accuracy_floor":null,"repeats":2,"reuse":true},"execution":{"executor":"serial","isolate":null,"threads":1,"gpus_per_trial":0.0,"workers":null,"cpus_per_trial":1,"address":null,"trial_timeout":null,"epoch_timeout":null,"max_failures":2},"images":"6e31d1b935b78efebfbea439686b18c519fb540e7a00ff1d3ec4121472e0e413","read":"digits: 1,797 images in 10 classes, from 174 of ''8'' to 183 of ''3'': 1,498 to learn from and compare trials on, 299 kept for the end.","seeds":[],"training":1}','{"name":"resnet8x0.25","num_classes":10,"in_channels":1,"input_size":[8,8],"sites":[{"name":"layer1.0.conv1","address":"stage0_layer0_conv0","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer1.0.conv2","address":"stage0_layer0_conv1","kind":"conv","in_channels":4,"out_channels":4,"kernel":[3,3],"groups":1,"bias":false,"positions":64,"stride":[1,1]},{"name":"layer2.0.conv1","address":"stage0_layer1_conv0","kind":"conv","in_channels":4,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[2,2]},{"name":"layer2.0.conv2","address":"stage1_layer0_conv1","kind":"conv","in_channels":8,"out_channels":8,"kernel":[3,3],"groups":1,"bias":false,"positions":16,"stride":[1,1]},{"name":"layer3.0.conv1","address":"stage1_layer1_conv0","kind":"conv","in_channels":8,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[2,2]},{"name":"layer3.0.conv2","address":"stage2_layer0_conv1","kind":"conv","in_channels":16,"out_channels":16,"kernel":[3,3],"groups":1,"bias":false,"positions":4,"stride":[1,1]}],"plain_params":326,"plain_macs":2464,"attention_norm":"batch","plain_layers":[]}',0,9,299302,0.1,'0.1.0','2026-11-26 16:46:47.344000',NULL,NULL,6936);
CREATE TABLE kw_tally (
	study_id INTEGER NOT NULL, 
	waiting INTEGER NOT NULL, 
	running INTEGER NOT NULL, 
	complete INTEGER NOT NULL, 
	stopped INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	infeasible INTEGER NOT NULL, 
	over_budget INTEGER NOT NULL, 
	under_budget INTEGER NOT NULL, 
	known INTEGER NOT NULL, 
	epochs BIGINT NOT NULL, 
	seconds DOUBLE NOT NULL, 
	front_id INTEGER, 
	unit VARCHAR(32), 
	CONSTRAINT pk_kw_tally PRIMARY KEY (study_id), 
	CONSTRAINT fk_kw_tally_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_tally_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id)
);
INSERT INTO "kw_tally" VALUES(1,0,0,7,2,0,0,0,0,0,16,1.25354970599983062129e+00,5,'b490e4d2ac1342609074fc5bed5473f0');
CREATE TABLE kw_training (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE NOT NULL, 
	accuracy_error DOUBLE NOT NULL, 
	loss DOUBLE NOT NULL, 
	images INTEGER NOT NULL, 
	seconds DOUBLE NOT NULL, 
	data TEXT NOT NULL, 
	part VARCHAR(16) NOT NULL, 
	finished_at DATETIME NOT NULL, 
	CONSTRAINT pk_kw_training PRIMARY KEY (id), 
	CONSTRAINT fk_kw_training_trial_id FOREIGN KEY(trial_id) REFERENCES kw_trial (id)
);
CREATE TABLE kw_trial (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	config TEXT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	params BIGINT NOT NULL, 
	macs BIGINT NOT NULL, 
	seed BIGINT NOT NULL, 
	attempt INTEGER NOT NULL, 
	choices JSON NOT NULL, 
	sampler_state JSON NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	cause TEXT, 
	detail TEXT, 
	worker TEXT, 
	epochs INTEGER NOT NULL, 
	accuracy DOUBLE, 
	accuracy_error DOUBLE, 
	loss DOUBLE, 
	seconds DOUBLE NOT NULL, 
	started_at DATETIME NOT NULL, 
	finished_at DATETIME, 
	place INTEGER, 
	front_id INTEGER, 
	CONSTRAINT pk_kw_trial PRIMARY KEY (id), 
	CONSTRAINT fk_kw_trial_study_id FOREIGN KEY(study_id) REFERENCES kw_study (id), 
	CONSTRAINT fk_kw_trial_front_id FOREIGN KEY(front_id) REFERENCES kw_front (id), 
	CONSTRAINT uq_kw_trial_study_id_number UNIQUE (study_id, number), 
	CONSTRAINT uq_kw_trial_study_id_digest UNIQUE (study_id, digest), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_state CHECK (state IN ('waiting', 'running', 'complete', 'stopped', 'failed')), 
	CONSTRAINT ck_kw_trial_ck_kw_trial_attempt CHECK (attempt >= 1)
);
INSERT INTO "kw_trial" VALUES(1,1,0,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.731,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','d8f5bf28991c0a43886b7085f423d054f2cec9bed00c7768e02d87131dbac279',110426,276192,2688325354,1,'{"cell_num_ratio":0.731,"cell_outplane_ratio":0.5}','{}','complete',NULL,NULL,'vm:30248',2,2.10702341137123744241e-01,2.35645101579003979352e-02,2.19043730152126414623e+00,1.86123337000026367604e-01,'2026-11-26 16:46:52.763000','2026-11-26 16:46:52.978000',0,1);
INSERT INTO "kw_trial" VALUES(2,1,1,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.473,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','cdcc90986b606c823704aa503e6e978e3516b5f2b64fb15abad5fc4a1a1f21d4',61444,227520,2935325354,1,'{"cell_num_ratio":1.473,"cell_outplane_ratio":1.0}','{}','complete',NULL,NULL,'vm:30248',2,2.80936454849498307151e-01,2.59596562621999815689e-02,2.14497783156241217383e+00,1.14528199000005770358e-01,'2026-11-26 16:46:52.985000','2026-11-26 16:46:53.121000',1,2);
INSERT INTO "kw_trial" VALUES(3,1,2,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1564,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','27392b7eea2349d342e0b3532e42d9fb99e689a3dc8f635c6eb305771476f1d8',25690,96480,146007392,1,'{"cell_num_ratio":0.1564,"cell_outplane_ratio":0.5}','{}','complete',NULL,NULL,'vm:30248',2,2.04013377926421407559e-01,2.32869023622217230506e-02,2.26952042524676311785e+00,7.58628099999896221561e-02,'2026-11-26 16:46:53.132000','2026-11-26 16:46:53.227000',2,3);
INSERT INTO "kw_trial" VALUES(4,1,3,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.495,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','8e7b08d5a2d1cc25eb896e1defe0e767e62780e9add5c16a77ae9a0fcd9a56f8',61967,229680,1424877001,1,'{"cell_num_ratio":1.495,"cell_outplane_ratio":1.0}','{}','stopped','promotion','Place 4 of 4 in front 3, with room for 2: trial 2 reached 17.73% with 25,690 parameters, this one 14.72% with 61,967.','vm:30248',1,1.47157190635451518012e-01,2.04871460004777128371e-02,2.27433490910519164884e+00,3.81897710001339873997e-02,'2026-11-26 16:46:53.234000','2026-11-26 16:46:53.295000',3,3);
INSERT INTO "kw_trial" VALUES(5,1,4,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.446,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','6e09eb80cc2d5502a80a0b56375aa334f942a1a1bbceff42f1b513c94f07c4f5',217182,500832,1520899801,1,'{"cell_num_ratio":1.446,"cell_outplane_ratio":0.5}','{}','complete',NULL,NULL,'vm:30248',2,1.80602006688963201419e-01,2.22354800659756435265e-02,2.2254720833954575454e+00,2.28774346999898625654e-01,'2026-11-26 16:46:53.305000','2026-11-26 16:46:53.575000',4,3);
INSERT INTO "kw_trial" VALUES(6,1,5,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3606,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','9df86749fbbf25e8afc60c4f5d6d595500a1d7b3e83f6c706f7b72cff26a228e',15916,91008,1652701561,1,'{"cell_num_ratio":0.3606,"cell_outplane_ratio":1.0}','{}','complete',NULL,NULL,'vm:30248',2,1.50501672240802686353e-01,2.06767246356229228432e-02,2.25044230527455235701e+00,2.40863668999963920214e-01,'2026-11-26 16:46:53.594000','2026-11-26 16:46:53.883000',5,4);
INSERT INTO "kw_trial" VALUES(7,1,6,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.3918,"cell_inplane_ratio":1.0,"cell_outplane_ratio":0.5,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','2aa6d342246a2406ddad3ff5d22c0f9b0b6351897dee9337d6f15c5ef35a4118',61154,172512,1887931060,1,'{"cell_num_ratio":0.3918,"cell_outplane_ratio":0.5}','{}','complete',NULL,NULL,'vm:30248',2,1.8394648829431436976e-01,2.23936854055415135444e-02,2.21252560855837376863e+00,1.53489318999845636426e-01,'2026-11-26 16:46:53.908000','2026-11-26 16:46:54.118000',6,4);
INSERT INTO "kw_trial" VALUES(8,1,7,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":0.1392,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','b9f172086eb168a068979131e992052e1829b70914982776eaa4c33fc59666d1',7564,65088,2318358672,1,'{"cell_num_ratio":0.1392,"cell_outplane_ratio":1.0}','{}','complete',NULL,NULL,'vm:30248',2,1.00334448160535119609e-01,1.73973071208621127281e-02,2.29353065752331275461e+00,1.45481049999943934381e-01,'2026-11-26 16:46:54.138000','2026-11-26 16:46:54.360000',7,5);
INSERT INTO "kw_trial" VALUES(9,1,8,'{"version":1,"backbone":"resnet8x0.25","num_classes":10,"in_channels":1,"granularity":"network","cell_num_ratio":1.027,"cell_inplane_ratio":1.0,"cell_outplane_ratio":1.0,"reduction":0.0625,"nonlocal_basis_ratio":1.0,"sharing_range":["layer","conv","pwconv","dwconv"],"spatial_partition":true}','adf153abffa525bbfca8bf5f8053e0620f10f227bc0fedbd85c2a2c89fc43eb6',42856,172224,38654436,1,'{"cell_num_ratio":1.027,"cell_outplane_ratio":1.0}','{}','stopped','promotion','Place 4 of 9 in front 2, with room for 3: trial 2 reached 17.73% with 25,690 parameters, this one 12.37% with 42,856.','vm:30248',1,1.23745819397993311872e-01,1.90529684716273239875e-02,2.2627756331757042929e+00,7.02372040000227570999e-02,'2026-11-26 16:46:54.372000','2026-11-26 16:46:54.514000',8,5);
CREATE INDEX ix_kw_trial_study_id_state_number ON kw_trial (study_id, state, number);
CREATE VIEW kw_current_front AS 
        SELECT s.name AS study, m.place, t.number AS trial, t.params, t.macs, t.accuracy,
               t.accuracy_error, t.digest, t.config
        FROM kw_study s
        JOIN kw_tally y ON y.study_id = s.id
        JOIN kw_front_member m ON m.front_id = y.front_id
        JOIN kw_trial t ON t.id = m.trial_id;
CREATE VIEW kw_trials_flat AS 
        SELECT s.name AS study, t.number AS trial, t.state, t.cause, t.detail, t.params, t.macs,
               t.epochs, t.accuracy, t.accuracy_error, t.loss, t.seconds, t.attempt, t.worker,
               t.started_at, t.finished_at, t.place AS finished_as, f.hypervolume, t.digest,
               t.config
        FROM kw_study s
        JOIN kw_trial t ON t.study_id = s.id
        LEFT JOIN kw_front f ON f.id = t.front_id;
CREATE INDEX ix_kw_training_trial_id ON kw_training (trial_id);
CREATE VIEW kw_baselines_flat AS 
    SELECT s.name AS study, b.number AS baseline, b.role, b.network, b.params, b.macs, b.seed,
           b.state, b.cause, b.detail, b.epochs, b.accuracy, b.accuracy_error, b.loss, b.images,
           b.seconds, b.attempt, b.worker, b.finished_at
    FROM kw_study s
    JOIN kw_baseline b ON b.study_id = s.id;
CREATE VIEW kw_hypervolume_history AS 
    SELECT s.name AS study, f.number AS front, f.trial, f.hypervolume, s.smallest_params,
           f.reference_params, f.reference_accuracy, f.created_at,
           (SELECT count(*) FROM kw_front_member m WHERE m.front_id = f.id) AS members
    FROM kw_study s
    JOIN kw_front f ON f.study_id = s.id;
COMMIT;
